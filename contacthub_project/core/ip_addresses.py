"""IP addresses and networks. IPv4-mapped IPv6 addresses are treated as IPv4 (RFC 4291, 2.5.5.2)."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2


def as_address(text: str) -> Address | None:
    """Return the address, IPv4-mapped ones as IPv4; None if the text is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def as_network(text: str) -> Network:
    """Return the network or single address, IPv4-mapped ones as IPv4; raises ValueError."""
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        address = int(network.network_address) - int(MAPPED.network_address)
        return ipaddress.ip_network((address, network.prefixlen - MAPPED.prefixlen))
    return network
