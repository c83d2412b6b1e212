"""The curves as pictures for papers."""
