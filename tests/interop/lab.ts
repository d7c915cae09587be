/**
 * A small internet for the tests, made of network namespaces inside one that has no way out: a public network 45.0.0.0/24 with
 * a relay and a STUN server on 45.0.0.1, and behind a router with address translation each, the hosts `alice` and `bob`. The
 * addresses have to look public, because libp2p takes no others for hole punching. All of it goes with the process.
 */

/** Where the relay and the STUN server are. */
export const PUBLIC = "45.0.0.1";

function home(name: string, index: number): string {
  const router = `nat-${name}`;
  const inside = `10.${index}.0`;
  return `
ip netns add ${router}
ip netns add ${name}
ip link add pub-${name} type veth peer name wan netns ${router}
ip link set pub-${name} master public up
ip link add lan netns ${router} type veth peer name eth netns ${name}
ip -n ${router} link set lo up
ip -n ${router} link set wan up
ip -n ${router} link set lan up
ip -n ${router} addr add 45.0.0.1${index}/24 dev wan
ip -n ${router} addr add ${inside}.1/24 dev lan
ip -n ${name} link set lo up
ip -n ${name} link set eth up
ip -n ${name} addr add ${inside}.2/24 dev eth
ip -n ${name} route add default via ${inside}.1
ip netns exec ${router} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ip netns exec ${router} nft -f - <<'RULES'
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat
    oifname "wan" masquerade
  }
}
table ip filter {
  chain in {
    type filter hook input priority filter; policy accept;
    iifname "wan" ct state new drop
  }
}
RULES
`;
}

/** The commands that build it, for a shell in a network and mount namespace of its own. */
export const BUILD = `
set -e
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link set lo up
ip link add public type bridge
ip link set public up
ip addr add ${PUBLIC}/24 dev public
${home("alice", 1)}
${home("bob", 2)}
`;

/** What runs a command on one of the hosts. */
export function on(host: "alice" | "bob"): string[] {
  return ["ip", "netns", "exec", host];
}
