"""The live page: its server, its viewers, and the settings that they may change."""
