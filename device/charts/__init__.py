"""Pages with charts that need nothing but a browser: axes, SVG, HTML and one style sheet."""
