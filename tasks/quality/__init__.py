"""Are the records and images fit to be judged at all?"""
