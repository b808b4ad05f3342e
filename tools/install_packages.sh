#!/usr/bin/env bash
# Installs the Debian packages of tools/packages.txt that are missing. Asks nothing. A package whose line names a command
# is not missing where that command is there already, however it came.
#
# usage: tools/install_packages.sh KIND...     KIND: build, run, test, bench
set -euo pipefail
list=$(dirname "$0")/packages.txt

wanted() {
    local kind
    for kind in "$@"; do
        awk -v kind="$kind" '$1 == kind { print $2, $3 }' "$list"
    done
}

missing=()
while read -r package command; do
    [ -z "$command" ] || ! command -v "$command" >/dev/null || continue
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
done < <(wanted "$@")
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "these packages are missing, and there is no sudo to install them: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n env)
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
