"""Tables of contents: each flow says in what order the stages answer. No arithmetic, no client."""
