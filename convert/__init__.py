"""liteberry on the laptop: MobileNetV2 weights become measured TFLite variants in a bundle."""
