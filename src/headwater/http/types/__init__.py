"""Types of Python as JSON, parameters and schemas see them."""
