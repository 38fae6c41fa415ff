"""What each question answers: a document for programs, tables for people, files. One file for each question.

A function here takes what was opened (`references`), asks `analysis` or `engine`, and gives a `result.Result`; it
writes nothing. The command line, the demo and plugins show and write what it gives.
"""
