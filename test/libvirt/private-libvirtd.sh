#!/bin/sh
# private-libvirtd.sh FOLDER: a libvirtd that knows nothing of the host's own: every folder that libvirt has is FOLDER's, in a
# mount namespace that ends with it. /dev/kvm is hidden: a host may offer a KVM under which guests hang (see accelerator.ts).
set -eu
folder=$1
for name in etc/libvirt run/libvirt var/lib/libvirt var/cache/libvirt var/log/libvirt; do
  mkdir -p "/$name" "$folder/$name"
  mount --bind "$folder/$name" "/$name"
done
# The user that it would run machines as must exist, though ours run as root; Debian's libvirt-daemon-system, which makes it,
# would start a libvirtd of the host as well.
for file in passwd group; do
  cp "/etc/$file" "$folder/$file"
  grep -q '^libvirt-qemu:' "/etc/$file" || echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>"$folder/$file"
  mount --bind "$folder/$file" "/etc/$file"
done
if [ -e /dev/kvm ]; then mount --bind /dev/null /dev/kvm; fi
mkdir -p "$folder/sock"
cat >/etc/libvirt/qemu.conf <<SETTINGS
user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
SETTINGS
cat >"$folder/libvirtd.conf" <<SETTINGS
unix_sock_dir = "$folder/sock"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:$folder/log"
SETTINGS
exec libvirtd -f "$folder/libvirtd.conf" -p "$folder/libvirtd.pid"
