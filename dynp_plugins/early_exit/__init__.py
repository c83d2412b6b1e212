"""Running a network exit by exit: thresholds from a calibration split."""

from .thresholds import ALWAYS, NEVER, choose_exits, geometric_shares, quota_thresholds

__all__ = ['ALWAYS', 'NEVER', 'choose_exits', 'geometric_shares', 'quota_thresholds']
