#!/usr/bin/env python3
"""Every call that touches a file × every fault of the system, at each place where it can strike.

usage: matrix.py [--long] [--table]
The short form stops at the fourth place of each but reads; the long one goes on to the last. --table also prints the
table of docs/RELIABILITY.md.
A fault that the system may well have (interrupted, short) must not be noticed. Any other must come back as FLIP_E_IO;
what stood in the file before must still be there, or the new content, complete; nothing else may be left in the folder;
no file may stay open; and the same call must work once the fault is gone. Beside them: a storm of signals, a forked
child, limits on memory, SIGKILL.
Prints one line for each call and "faults: N passed, N failed". The exit code is 0 when none failed.
"""
import ctypes
import errno
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
READS, WRITES, OPENS, SYNCS, RENAMES, TRUNCATES = 1, 2, 4, 8, 16, 32
# name: (kinds of calls, errno, whether all later ones fail too, whether it must go unnoticed)
FAULTS = {"read EIO": (READS, errno.EIO, False, False), "short read": (READS, 0, False, True),
          "short reads": (READS, 0, True, True), "read EINTR": (READS, errno.EINTR, False, True),
          "write EIO": (WRITES, errno.EIO, False, False), "full disk": (WRITES | TRUNCATES, errno.ENOSPC, True, False),
          "short write": (WRITES, 0, False, True), "short writes": (WRITES, 0, True, True),
          "write EINTR": (WRITES, errno.EINTR, False, True), "no handles": (OPENS, errno.EMFILE, True, False),
          "flush EIO": (SYNCS, errno.EIO, False, False), "rename EACCES": (RENAMES, errno.EACCES, False, False)}
# Columns of docs/RELIABILITY.md.
COLUMNS = {"EIO": ["read EIO", "write EIO", "flush EIO", "rename EACCES"], "full disk": ["full disk"],
           "short": ["short read", "short reads", "short write", "short writes"],
           "signals": ["read EINTR", "write EINTR", "signals"], "handles": ["no handles"], "memory": ["memory"],
           "fork": ["fork"], "kill": ["kill"]}
# A release is made once: when its charge is refused or its process dies, the charge stays and the training has ended.
NEVER_AGAIN = "its charge stays, and this training cannot be finished"


def open_files():
    return len(os.listdir("/proc/self/fd"))


class Trial:
    def __init__(self, name, things, all_calls, faults, long):
        self.name, self.things, self.all, self.call = name, things, all_calls, all_calls(things)[name]
        self.library, self.long = faults, long
        self.counts, self.failed = {}, 0

    def fresh(self):
        folder = Path(tempfile.mkdtemp(prefix="faults-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        return folder, self.call.make(folder)

    def complain(self, fault, place, what):
        print(f"{self.name}, {fault}, place {place}: {what}", flush=True)
        self.failed += 1

    def strike(self, fault, place):
        """One trial; whether the fault struck at all."""
        import flip
        kinds, error, forever, unnoticed = FAULTS[fault]
        folder, run = self.fresh()
        target = self.call.target and folder / self.call.target
        before, others = open_files(), {file.name for file in folder.iterdir()}
        self.library.fault_arm(kinds, error, place, forever)
        try:
            problem = None
            run()
        except flip.FlipError as caught:
            problem = caught
        finally:
            struck = self.library.fault_disarm()
        if struck:
            self.counts[fault] = self.counts.get(fault, 0) + 1
            if problem and (unnoticed or not isinstance(problem, flip.FileError)):
                self.complain(fault, place, repr(problem))
            if not problem and not unnoticed:
                self.complain(fault, place, "went unnoticed")
        elif problem:
            self.complain(fault, place, f"failed without a fault: {problem!r}")
        if open_files() != before:
            self.complain(fault, place, f"{open_files() - before} files stayed open")
        left = {file.name for file in folder.iterdir()} - others - {"budget.h5.lock", "new.h5", "new.h5.lock"}
        if any(".tmp-" in name for name in left):
            self.complain(fault, place, f"left {sorted(left)}")
        try:
            if target and target.exists():
                self.call.whole(target)
            if problem and not (target and target.name == "new.h5" and target.exists()):
                run()                                    # the same call, once the fault is gone
        except (flip.StateError, flip.BudgetError) as caught:
            if not (self.call.once and NEVER_AGAIN in str(caught)):
                self.complain(fault, place, f"afterwards: {caught!r}")
        except Exception as caught:
            self.complain(fault, place, f"afterwards: {caught!r}")
        subprocess.run(["rm", "-rf", str(folder)], check=False)
        return struck > 0

    def signals(self):
        """A storm of signals, whose handler interrupts every call of the system."""
        folder, run = self.fresh()
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.siginterrupt(signal.SIGALRM, True)
        signal.setitimer(signal.ITIMER_REAL, 2e-4, 2e-4)
        try:
            run()
            self.counts["signals"] = self.counts.get("signals", 0) + 1
        except Exception as caught:
            self.complain("signals", 0, repr(caught))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        subprocess.run(["rm", "-rf", str(folder)], check=False)

    def child(self, fault, work):
        """Runs `work` in a child process, which is to return True."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = 0 if work() else 1
            except BaseException as caught:
                os.write(2, f"{self.name}, {fault}: {caught!r}\n".encode())
            os._exit(code)
        self.counts[fault] = self.counts.get(fault, 0) + 1
        status = os.waitpid(pid, 0)[1]
        if status:
            self.complain(fault, 0, f"status {status}")

    def fork(self):
        """In a child process, a handle from before the fork is refused, and paths work."""
        import flip
        folder, run = self.fresh()

        def work():
            try:
                run()
                return not self.call.takes_handle
            except flip.StateError:
                return True
        self.child("fork", work)
        subprocess.run(["rm", "-rf", str(folder)], check=False)

    def memory(self):
        """Under every limit from nothing on: it works, or says that memory is missing."""
        folder = Path(tempfile.mkdtemp(prefix="faults-"))

        def work(kilobytes):
            call = self.all(self.things.again())[self.name]
            run = call.make(folder)
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * resource.getpagesize() + (kilobytes << 10)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            try:
                run()
            except MemoryError:                          # OutOfMemory is one
                pass
            return True
        # Nothing more is where threads of the call find no memory of their own: one child in five, hence often.
        nothing = [0] * (8 if not self.long else 100)
        some = [16, 64, 128, 256, 512, 1024, 4096] if not self.long else range(64, 4096, 64)
        for kilobytes in [*nothing, *some]:
            self.child("memory", lambda: work(kilobytes))
            for file in folder.iterdir():
                file.unlink()
        folder.rmdir()

    def kill(self):
        """SIGKILL at a moment of its work: the file is the old one or the new one, complete."""
        if not self.call.target or self.name == "flip_budget_create":
            return
        chance = random.Random(1)
        for _ in range(40 if self.long else 3):
            folder = Path(tempfile.mkdtemp(prefix="faults-"))
            out, into = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    run = self.all(self.things.again())[self.name].make(folder)
                    os.write(into, b".")
                    while True:
                        run()
                finally:                                 # the work came to an end, as a training does
                    os._exit(0)
            os.read(out, 1)
            time.sleep(chance.random() * 0.02)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(out)
            os.close(into)
            self.counts["kill"] = self.counts.get("kill", 0) + 1
            try:
                self.call.whole(folder / self.call.target)
            except Exception as caught:
                if not (self.call.once and NEVER_AGAIN in str(caught)):
                    self.complain("kill", 0, repr(caught))
            subprocess.run(["rm", "-rf", str(folder)], check=False)

    def run(self):
        for fault in FAULTS:
            place = 1
            while self.strike(fault, place):
                if not self.long and place >= 4 and fault != "read EIO":
                    break
                place = place + 1 if place < 24 else place * 5 // 4
        self.signals()
        self.fork()
        self.memory()
        self.kill()
        print(f"{self.name}: " + ", ".join(f"{fault} {n}" for fault, n in self.counts.items()), flush=True)


def main():
    if not os.environ.get("FAULTS_INTERPOSED"):          # once more, with the C library's calls intercepted
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "interpose.so"
            subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-shared", "-fPIC", "-O1", HERE / "interpose.c",
                            "-o", library, "-ldl"], check=True)
            return subprocess.run([sys.executable, *sys.argv], env={**os.environ, "LD_PRELOAD": str(library),
                                                                    "FAULTS_INTERPOSED": str(library)}).returncode
    library = ctypes.CDLL(os.environ["FAULTS_INTERPOSED"])
    sys.path.insert(0, str(HERE))
    import calls
    passed = failed = 0
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        things = calls.Things(Path(folder))
        for name in calls.calls(things):
            trial = Trial(name, things, calls.calls, library, "--long" in sys.argv)
            trial.run()
            table[name] = trial.counts
            passed, failed = passed + sum(trial.counts.values()) - trial.failed, failed + trial.failed
    if "--table" in sys.argv:
        print("| call | " + " | ".join(COLUMNS) + " |\n|" + " --- |" * (1 + len(COLUMNS)))
        for name, counts in table.items():
            cells = [sum(counts.get(fault, 0) for fault in faults) for faults in COLUMNS.values()]
            print(f"| `{name}` | " + " | ".join(str(n or "–") for n in cells) + " |")
    print(f"faults: {passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
