"""What two or more notebooks of the course need, in the form the notebooks arrive at.

Import the parts by name; nothing heavy is loaded before that:

    from lesson5_utils import datasets, models, training
    from lesson5_utils.exercises import embeddings as check
"""

__version__ = "0.1.0"
