"""Sources of frames: files, ribbon and USB cameras, network cameras, a demo."""
