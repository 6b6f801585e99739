#!/bin/sh
# udhcpc calls this with what the server gave in its environment.
case $1 in
  bound | renew)
    read -r old 2>/dev/null </run/leased
    [ -n "$old" ] && [ "$old" != "$ip/$mask" ] && ip addr del "$old" dev "$interface"
    echo "$ip/$mask" >/run/leased
    ip addr replace "$ip/$mask" dev "$interface"
    [ -n "$router" ] && ip route replace default via "${router%% *}" dev "$interface" src "$ip"
    : >/etc/resolv.conf
    for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
    ;;
esac
