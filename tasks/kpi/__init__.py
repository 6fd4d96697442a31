"""What the business counts (escaped defects, complaints, scrap), beside what the model's own numbers say."""
