"""Programs that end with the one that started them, together with all that they started.

A program in a session of its own is reached by no Ctrl-C and by no kill of the one that started
it. So a small process stands between the two (this file): it leads the session, and kills all of
it as soon as its parent is gone. What tells it is a pipe that only the parent holds open: the
system closes it, however the parent ended. (Linux can send a signal on a parent's death, but only
to the child itself, not to what that has started.)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def start(command: list[str], pass_fds: tuple[int, ...] = (), **more) -> subprocess.Popen:
    """As subprocess.Popen does; its pid is that of the process between, which leads the group and
    ends with the program's status. A program that cannot be started has status 127."""
    # Its other end stays open as long as this process is there, and no other has it.
    reader, _ = os.pipe()
    try:
        return subprocess.Popen([sys.executable, "-IS", __file__, str(reader), *command],
                                pass_fds=(reader, *pass_fds), start_new_session=True, **more)
    finally:
        os.close(reader)


def tell(process: subprocess.Popen, number: int) -> None:
    """Sends a signal to a program and all that it has started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def end_with_parent(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(pipe, False)
    threading.Thread(target=end_with_parent, args=(pipe,), daemon=True).start()
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # They are for the program, which is in the same group and decides how it ends.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: told.append(number))
    try:
        process = subprocess.Popen(command, close_fds=False)
    except OSError as error:
        print(f"error: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    # Those that came before it was there.
    for number in told:
        process.send_signal(number)
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
