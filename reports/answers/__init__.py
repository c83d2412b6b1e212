"""A trained network's answers for people: tables on the terminal, boxes drawn into pictures."""
