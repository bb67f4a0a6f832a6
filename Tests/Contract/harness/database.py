"""The embedded database seen from outside, through psql on its unix socket."""

import contextlib
import os
import pathlib
import signal
import subprocess

_COLUMN_SEPARATOR = "\x1f"
# The database and its owner are named alike.
_NAME = "restante"


class Database:
    """Finds the cluster below a data directory by its postmaster.pid."""

    def __init__(self, data):
        self._data = data

    def query(self, sql):
        """The rows of one statement, each a list of strings."""
        result = subprocess.run([*self._psql(), "-c", sql], capture_output=True, text=True, timeout=20, check=False)
        assert result.returncode == 0, f"psql: {result.stderr}"
        return [line.split(_COLUMN_SEPARATOR) for line in result.stdout.splitlines()]

    def places_of(self, text):
        """The tables (of any schema of ours) in which some row holds this text, as text or as bytes."""
        tables = self.query("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'")
        assert tables, "the database has no table"
        encoded = text.encode().hex()
        parts = [
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table} r WHERE strpos(r::text, '{text}') > 0 OR strpos(r::text, '{encoded}') > 0)"
            for (table,) in tables
        ]
        return [row[0] for row in self.query(" UNION ALL ".join(parts))]

    def dump(self):
        """All of the database as pg_dump writes it; bytes stand there as hexadecimal digits."""
        lines = self._postmaster_file()
        command = ["pg_dump", "-h", lines[4], "-p", lines[3], "-U", _NAME, "-d", _NAME]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, f"pg_dump: {result.stderr}"
        return result.stdout

    @contextlib.contextmanager
    def session(self, sql):
        """A session of its own that runs `sql`; what it locks is locked, or waited for, until it ends."""
        process = subprocess.Popen(self._psql(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            process.stdin.write(f"BEGIN;\n{sql};\n")
            process.stdin.flush()
            yield
        finally:
            process.communicate("ROLLBACK;\n", timeout=20)

    def waiting_for(self, table):
        """How many sessions wait for a lock on this table."""
        return int(self.query(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass")[0][0])

    def holders_of(self, table):
        """How many sessions hold the table for themselves alone."""
        return int(
            self.query(f"SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation = '{table}'::regclass")[0][0]
        )

    def postmaster(self):
        """The process id of the running postmaster, or None."""
        try:
            pid = int(self._postmaster_file()[0])
            os.kill(pid, 0)
            return pid
        except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
            return None

    def processes(self):
        """The process ids of the postmaster and of everything that it started."""
        postmaster = self.postmaster()
        assert postmaster, "the database does not run"
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        return [postmaster, *map(int, children.split())]

    @contextlib.contextmanager
    def frozen(self):
        """Stops every process of the database for a while, as a machine that hangs would."""
        # The postmaster first, so that it starts nothing more while the others are stopped.
        postmaster = self.postmaster()
        os.kill(postmaster, signal.SIGSTOP)
        processes = self.processes()
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def conninfo(self):
        """A connection string for it, for another server."""
        lines = self._postmaster_file()
        return f"host={lines[4]} port={lines[3]} user={_NAME} dbname={_NAME}"

    def is_running(self):
        return self.postmaster() is not None

    def _psql(self):
        lines = self._postmaster_file()
        command = ["psql", "-X", "-q", "-A", "-t", "-F", _COLUMN_SEPARATOR, "-v", "ON_ERROR_STOP=1"]
        return [*command, "-h", lines[4], "-p", lines[3], "-U", _NAME, "-d", _NAME]

    def _postmaster_file(self):
        found = sorted(self._data.glob("**/postmaster.pid")) if self._data.exists() else []
        if not found:
            raise FileNotFoundError(f"no postmaster.pid below {self._data}")
        return found[0].read_text().splitlines()
