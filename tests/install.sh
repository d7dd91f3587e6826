#!/usr/bin/env bash
# What a user of the installed library meets: installs the build into a temporary prefix, checks the
# SONAME and that nothing but clcnn_ symbols is exported, compiles and runs a sample against clcnn.pc
# (shared and static), and builds a project that has clcnn as a meson subproject.
# usage: install.sh BUILD_DIR SOURCE_DIR
set -euo pipefail
build=$1 source=$2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

DESTDIR="$place" meson install -C "$build" --no-rebuild --quiet
pc=$(find "$place" -name clcnn.pc)
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$place"
library=$(find "$place" -name 'libclcnn.so.0')
export LD_LIBRARY_PATH="${library%/*}"

objdump -p "$library" | grep -q 'SONAME *libclcnn.so.0$' || { echo "wrong SONAME"; exit 1; }
foreign=$(nm -D --defined-only "$library" | awk '$2 ~ /[A-Z]/ && $3 !~ /^clcnn_/ { print $3 }')
[ -z "$foreign" ] || { echo "exported without the clcnn_ prefix: $foreign"; exit 1; }

for header in "$source"/include/clcnn/*.h; do
    [ -n "$(find "$place" -path "*/include/clcnn/${header##*/}")" ] ||
        { echo "not installed: ${header##*/}"; exit 1; }
done

# shellcheck disable=SC2046
cc -std=c11 "$source/samples/list_devices.c" $(pkg-config --cflags --libs clcnn) -o "$place/shared"
"$place/shared" >/dev/null
archive=$(find "$place" -name libclcnn.a)
# shellcheck disable=SC2046
cc -std=c11 "$source/samples/list_devices.c" $(pkg-config --cflags clcnn) "$archive" \
    $(pkg-config --static --libs-only-l clcnn | sed 's/-lclcnn//') -pthread -o "$place/static"
"$place/static" >/dev/null

mkdir -p "$place/app/subprojects"
ln -s "$(cd "$source" && pwd)" "$place/app/subprojects/clcnn"
cp "$source/samples/list_devices.c" "$place/app/main.c"
cat >"$place/app/meson.build" <<'EOF'
project('app', 'c')
clcnn_dep = dependency('clcnn', fallback: ['clcnn', 'clcnn_dep'],
  default_options: ['tools=false', 'tests=disabled'])
executable('app', 'main.c', dependencies: clcnn_dep)
EOF
cd "$place/app"
unset PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
meson setup built --wrap-mode=default >/dev/null
ninja -C built --quiet
built/app >/dev/null
echo "installed, linked shared and static, used as a subproject"
