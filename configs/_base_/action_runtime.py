"""What every video config shares: `default_runtime`, in the scope of mmaction2."""

_base_ = './default_runtime.py'

default_scope = 'mmaction'
