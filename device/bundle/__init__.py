"""A bundle as data: the manifest's schema, labels, anchors, and hints for models without one."""
