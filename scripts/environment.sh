# Sourced by scripts/studio and scripts/test: makes .venv and keeps it at what a requirements file says.
# Needs: root (the checkout). Gives: python (the environment's interpreter).

fail() {
    echo "$1" >&2
    exit 1
}

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3 python; do
        [ -n "$candidate" ] || continue
        command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

# environment FILE: install FILE into .venv, unless that was done already with the same content.
environment() {
    requirements=$1
    python=$root/.venv/bin/python
    log=$root/.venv/install.log
    stamp=$root/.venv/$requirements.installed

    if ! "$python" -c 'import pip' >/dev/null 2>&1; then
        host_python=$(find_python) || fail "videoflow needs Python 3.11, 3.12 or 3.13, and none was found. Install one, or name it: PYTHON=/path/to/python3.11 $0"
        rm -rf "$root/.venv"
        mkdir -p "$root/.venv" 2>/dev/null || fail "The folder $root cannot be written to. Clone videoflow into a folder of your own."
        echo "Making the virtual environment .venv with $("$host_python" --version 2>&1)."
        if ! "$host_python" -m venv --clear "$root/.venv" >"$root/.venv.log" 2>&1; then
            reason=$(grep -v '^$' "$root/.venv.log" | head -n 1 | sed 's/[.]*$//')
            rm -rf "$root/.venv" "$root/.venv.log"
            fail "Python could not make a virtual environment ($reason). On Debian and Ubuntu install it with: apt install python3-venv"
        fi
        rm -f "$root/.venv.log"
    fi

    wanted=$("$python" -c '
import hashlib, pathlib, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
parts = [folder / name] + ([folder / "requirements.txt"] if name != "requirements.txt" else [])
print(sys.version, *(hashlib.sha256(part.read_bytes()).hexdigest() for part in parts))
' "$root" "$requirements")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return 0
    fi

    echo "Installing the packages of $requirements (once, about 1 GB; a minute or two)."
    if ! "$python" -m pip install --disable-pip-version-check --no-input -r "$root/$requirements" >"$log" 2>&1; then
        reason=$(grep '^ERROR:' "$log" | head -n 1 | sed 's/^ERROR: //; s/[.]*$//')
        if grep -qiE 'NewConnectionError|name resolution|ConnectTimeout|Network is unreachable|Connection refused|from versions: none' "$log"; then
            reason="the package index does not answer or does not have them; look at the network connection and the settings of pip"
        elif grep -q 'No space left' "$log"; then
            reason="the disk is full; about 1 GB is needed"
        fi
        fail "The packages could not be installed: ${reason:-see the log}. The whole log is in $log"
    fi
    printf '%s' "$wanted" >"$stamp"
}
