"""What families share that write text: their vocabulary, and texts as numbers of pieces."""
