"""What stands between this machine and a run: one finding per check, with what mends it.

Nothing here imports anything but the standard library, and the syntax is Python 3.9's: the doctor
must work exactly when nothing else does. What needs third-party packages happens in children,
in :mod:`device.doctor.trial`.
"""
