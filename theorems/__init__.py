"""The paper, one file per statement.

T. Yang, Y. Huang, Y. Liang, Y. Chi, In-Context Learning with Representations: Contextual
Generalization of Trained Transformers, NeurIPS 2024, arXiv:2408.10147.
"""
