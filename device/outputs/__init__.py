"""Sinks of results: video, image folders, logs, clips, commands, a window."""
