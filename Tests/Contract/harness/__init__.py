"""What the Contract tests stand on.

The server under test as a process, clients whose every answer is held against openapi.yaml, and people who write to each other.
"""
