"""The machine and its processes: console, board, files, children, queues, memory."""
