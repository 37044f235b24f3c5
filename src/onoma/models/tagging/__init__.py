"""What taggers share whatever they are made of: legality, linear-chain inference, heads, losses, and their answers."""
