"""The frame loop: capture, inference and output in three threads, and its meters."""
