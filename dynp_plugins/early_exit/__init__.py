"""Running a network exit by exit: confidence measures, thresholds, policies, the engine."""

from .choosing import (
    METHODS,
    choose_policies,
    choose_policy,
    exit_gmacs,
    on_calibration,
    risk_controlled_policy,
)
from .class_means import class_means
from .compiled import CompiledSteps, compile_steps
from .engine import EarlyExitEngine, SteppedNetwork
from .exit_result import ExitResult
from .exit_table import ExitTable, ExitTableBuilder, check_disjoint
from .groups import fold_frames, group_consensus
from .measures import MEASURES, ConfidenceMeasure, confidence_measure, probabilities
from .policy import CalibrationSplit, ExitPolicy, Expectation
from .ranking import label_rank
from .stream import EarlyExitStream
from .thresholds import (
    ALWAYS,
    NEVER,
    choose_exits,
    full_network,
    geometric_shares,
    quota_thresholds,
)

__all__ = [
    'ALWAYS',
    'MEASURES',
    'METHODS',
    'NEVER',
    'CalibrationSplit',
    'CompiledSteps',
    'ConfidenceMeasure',
    'EarlyExitEngine',
    'EarlyExitStream',
    'ExitPolicy',
    'ExitResult',
    'ExitTable',
    'ExitTableBuilder',
    'Expectation',
    'SteppedNetwork',
    'check_disjoint',
    'choose_exits',
    'choose_policies',
    'choose_policy',
    'class_means',
    'compile_steps',
    'confidence_measure',
    'exit_gmacs',
    'fold_frames',
    'full_network',
    'geometric_shares',
    'group_consensus',
    'label_rank',
    'on_calibration',
    'probabilities',
    'quota_thresholds',
    'risk_controlled_policy',
]
