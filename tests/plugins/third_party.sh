#!/usr/bin/env bash
# A plugin that is built elsewhere, from the installed headers alone: the example of docs/PLUGINS.md, by the command that
# is written there, loaded by the installed program.
#
# usage: third_party.sh BUILD-FOLDER SOURCE-FOLDER
set -euo pipefail
build=$1
source=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" > "$work/install.log"

pc=$(dirname "$(find "$prefix" -name switchboard.pc)")
export PKG_CONFIG_PATH=$pc
[ "$(pkg-config --variable=includedir switchboard | xargs realpath)" = "$prefix/include" ]
plugins=$(pkg-config --variable=plugindir switchboard | xargs realpath)

echo "headers: each one alone, in C and in C++"
for header in "$prefix"/include/switchboard/*.h; do
    line="#include <switchboard/$(basename "$header")>"
    # shellcheck disable=SC2046
    echo "$line" | cc -x c -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $(pkg-config --cflags switchboard) -
    # shellcheck disable=SC2046
    echo "extern \"C\" { $line" | sed 's/{ /{\n/; $a }' |
        c++ -x c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags switchboard) -
done

echo "plugin: the example of the manual"
mkdir "$work/mine"
cd "$work/mine"
awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$source/docs/PLUGINS.md" > plugin.c
grep -q switchboard_plugin plugin.c
command=$(grep -E '^cc -shared .*pkg-config' "$source/docs/PLUGINS.md")
bash -ec "$command"

cat > "$work/engine.conf" <<CONF
data_dir = "$work/data"
plugin_dir = [ "$work/mine", "$plugins" ]
pipelines = { calls = { source = "exotel"  sinks = [ "pager" ] } }
exotel = { account_sid = "acmedemo1"  api_key = "not-a-real-key"  api_token = "not-a-real-token" }
pager = { base_url = "https://pager.example.com"  api_key = "not-a-real-key" }
CONF
"$prefix/bin/switchboard" plugins pager -c "$work/engine.conf" > "$work/shown"
grep -q 'pages somebody' "$work/shown"
grep -q 'the address of the pager service' "$work/shown"
"$prefix/bin/switchboard" check -c "$work/engine.conf"
echo "loaded"
