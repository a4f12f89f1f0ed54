"""Accuracy: predictions on every image, COCO mAP, top-1, agreement, their intervals."""
