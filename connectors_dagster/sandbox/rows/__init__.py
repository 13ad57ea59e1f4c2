"""What the five made-up businesses have in their databases."""
