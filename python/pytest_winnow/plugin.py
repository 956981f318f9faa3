"""What pytest loads by itself in each environment with Winnow: nothing is loaded in here, and nothing registered."""
