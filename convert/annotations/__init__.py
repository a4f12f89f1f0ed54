"""Annotation formats (COCO, Pascal VOC, YOLO, class tables), read into ground truth."""
