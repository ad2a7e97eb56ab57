"""The proof by crash: a hostile workload, kill -9 everywhere, and a checker that knows the truth."""
