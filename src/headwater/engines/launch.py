"""Become a server: switch to its user, set the death signal, keep one capability if a path is closed, then exec.

This file runs as a program of its own, in a fresh interpreter without site-packages, because none of this may be done
between fork and exec of a process that has threads. Its one argument is a JSON object, written by `process.launch`;
its messages go to standard error, which is the server's log.

The order matters. Changing the user clears the death signal, so it is set afterwards, and then the parent is checked
once more, since it may have died in between. The death signal survives the exec unless the program is set-user-ID or
has file capabilities (prctl(2), PR_SET_PDEATHSIG).

The server's user may be unable to reach its program or its folder, as in a clone below /root. It then keeps
CAP_DAC_READ_SEARCH as an ambient capability (capabilities(7)), which permits to traverse and read, not to write; or
CAP_DAC_OVERRIDE where that one is unavailable, as in many containers. If all paths are open it keeps none.

PostgreSQL checks its own program with access(2), which ignores the capabilities of any user but root unless the
securebit SECBIT_NO_SETUID_FIXUP is set. Setting it needs CAP_SETPCAP, for a moment.
"""

import ctypes
import errno
import json
import os
import sys
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_SETPCAP = 8
CAPABILITIES = {"CAP_DAC_READ_SEARCH": 2, "CAP_DAC_OVERRIDE": 1}

_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySet(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main() -> NoReturn:
    order: dict[str, Any] = json.loads(sys.argv[1])
    os.umask(0o077)
    account = order["account"]
    if account is not None:
        _take_user(account)
    _die_with(order["parent"], order["death_signal"])
    refusal = _exec_if_open(order)
    if account is not None:
        for name, capability in CAPABILITIES.items():
            if _raise_ambient(capability):
                refusal = _exec_if_open(order, keeping=name, because=refusal) or refusal
    sys.exit(
        f"headwater: {refusal.filename} is closed to user {account['name'] if account else os.geteuid()} "
        f"({refusal.strerror}). Open it and the folders above it (chmod a+rX), or move it."
    )


def _take_user(account: dict[str, Any]) -> None:
    """Drop root for good, but keep the permitted capabilities until exec, so that `_raise_ambient` can raise one."""
    _prctl(PR_SET_KEEPCAPS, 1)
    try:
        os.setgroups([])
        os.setresgid(account["gid"], account["gid"], account["gid"])
        os.setresuid(account["uid"], account["uid"], account["uid"])
    except PermissionError:
        sys.exit(f"headwater: root cannot become user {account['name']} here: CAP_SETUID or CAP_SETGID is missing.")


def _die_with(parent: int, number: int) -> None:
    _prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit("headwater: the process that started this server has ended.")


def _exec_if_open(
    order: dict[str, Any], keeping: str | None = None, because: PermissionError | None = None
) -> PermissionError:
    """Become the server, or return the error of the path that is closed."""
    try:
        _look(order["command"][0], os.R_OK | os.X_OK)
        for path in order["paths"]:
            _look(path, os.R_OK)
        if keeping is not None and because is not None:
            print(f"headwater: keeping {keeping}, because {because.filename} is closed to this user.", file=sys.stderr)
            sys.stderr.flush()
        os.execve(order["command"][0], order["command"], order["environment"])
    except PermissionError as refusal:
        return refusal


def _look(path: str, mode: int) -> None:
    """Raises PermissionError unless `path` can be read and access(2) grants `mode`."""
    os.close(os.open(path, os.O_RDONLY))
    if not os.access(path, mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def _raise_ambient(capability: int) -> bool:
    """Make `capability` effective now and ambient for exec; False if this process is not permitted to."""
    if not _set_capabilities(effective=(capability, CAP_SETPCAP), inheritable=(capability,)):
        return False
    _libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    raised = _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0
    return _set_capabilities(effective=(capability,), inheritable=(capability,)) and raised


def _set_capabilities(*, effective: tuple[int, ...], inheritable: tuple[int, ...]) -> bool:
    """Leave the permitted set as it is; False if it does not include all of these."""
    header = _CapabilityHeader(CAPABILITY_VERSION_3, 0)
    sets = (_CapabilitySet * 2)()
    if _libc.capget(ctypes.byref(header), sets) != 0:
        return False
    sets[0].effective = sum(1 << each for each in effective)
    sets[0].inheritable = sum(1 << each for each in inheritable)
    sets[1].effective = sets[1].inheritable = 0
    return bool(_libc.capset(ctypes.byref(header), sets) == 0)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


if __name__ == "__main__":
    main()
