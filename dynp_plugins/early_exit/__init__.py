"""Running a network exit by exit: thresholds from a calibration split."""

from .ranking import label_rank
from .thresholds import ALWAYS, NEVER, choose_exits, geometric_shares, quota_thresholds

__all__ = ['ALWAYS', 'NEVER', 'choose_exits', 'geometric_shares', 'label_rank', 'quota_thresholds']
