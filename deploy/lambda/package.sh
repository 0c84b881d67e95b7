#!/bin/sh
# package.sh PROGRAM ZIP: puts the forwarder with the libraries and the loader it needs into a zip
# archive for the runtimes provided.al2023 and provided.al2 (x86-64). The C library comes along, so it
# runs whatever the runtime's own version is. The same files give the same bytes.
set -eu
program=$1
zip=$2
bytes_max=10485760

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/lib"
cp "$program" "$work/bin/forwarder"
strip --strip-unneeded "$work/bin/forwarder"

# Lines of ldd: "name => path (address)", and the loader as "path (address)".
ldd "$program" | while read -r name arrow path _; do
  if [ "$arrow" = "=>" ]; then
    [ -e "$path" ] || { echo "package: $name is not found" >&2; exit 1; }
    cp -L "$path" "$work/lib/$name"
  else
    case $name in */ld-linux-*) cp -L "$name" "$work/lib/ld.so" ;; esac
  fi
done
[ -e "$work/lib/ld.so" ] || { echo "package: the loader is not found" >&2; exit 1; }
strip --strip-unneeded "$work"/lib/*.so.* 2>/dev/null || true

cat > "$work/bootstrap" <<'BOOTSTRAP'
#!/bin/sh
here=${LAMBDA_TASK_ROOT:-$(dirname "$0")}
exec "$here/lib/ld.so" --library-path "$here/lib" "$here/bin/forwarder"
BOOTSTRAP
chmod 755 "$work/bootstrap" "$work/bin/forwarder" "$work"/lib/*

mkdir -p "$(dirname "$zip")"
python3 - "$work" "$zip" <<'PYTHON'
import pathlib, sys, zipfile
root = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(str(path.relative_to(root)), date_time=(1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, path.read_bytes())
PYTHON

bytes=$(stat -c %s "$zip")
echo "package: $zip, $bytes bytes"
[ "$bytes" -lt "$bytes_max" ] || { echo "package: more than $bytes_max bytes" >&2; exit 1; }
