"""The error for what only compiled mmcv can do, and how to get compiled mmcv."""

from dynp_plugins.errors import UserError

# --no-build-isolation: the build compiles ops only where it sees torch. --no-cache-dir: or else pip
# may take a wheel without ops that it built before.
WAY_OUT = (
    'build mmcv with its ops from source. In an environment with torch older than 2.14 (newer ones '
    'need C++20, onedl-mmcv 2.3.6 compiles as C++17), a C++ compiler and, for GPUs, nvcc, run '
    '`pip install "setuptools>=80" wheel packaging ninja` and then `pip install --no-deps '
    '--force-reinstall --no-cache-dir --no-build-isolation --no-binary onedl-mmcv onedl-mmcv`.'
)


def needs_compiled_mmcv(what: str, instead: str = '') -> UserError:
    """Return the error to raise when `what` was called and mmcv has no compiled ops.

    Args:
        what: the subject of the message's first sentence; it names the op.
        instead: a clause that says what to change to do without compiled mmcv.
    """
    way_out = f'Either {instead}, or {WAY_OUT}' if instead else f'To use it, {WAY_OUT}'
    return UserError(
        f'{what} needs mmcv with compiled ops, and the installed mmcv has none. {way_out}'
    )
