"""Files on this machine: those that may be made anew at any time, and those that only their owner may read.

May not import anything from this project.
"""
