"""The embedded writer: conversations without a language model, made only of what is known."""
