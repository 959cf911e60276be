import { BlockList, isIP } from 'node:net';

/**
 * Where no address that people write into a resource may lead: link-local addresses, and the ones at which clouds serve
 * metadata and credentials to their machines. IPv4 addresses are also refused in their IPv6 forms.
 */
const refused = new BlockList();
/** Link-local (RFC 3927, RFC 4291); the metadata services of Azure, AWS, GCP and others are at 169.254.169.254. */
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addSubnet('fe80::', 10, 'ipv6');
/** Azure's platform: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 */
refused.addAddress('168.63.129.16', 'ipv4');
/** The metadata services of Alibaba Cloud, AWS, Google Cloud and Oracle Cloud that are not link-local. */
refused.addAddress('100.100.100.200', 'ipv4');
refused.addAddress('fd00:ec2::254', 'ipv6');
refused.addAddress('fd20:ce::254', 'ipv6');
refused.addAddress('fd00:c1::a9fe:a9fe', 'ipv6');
/** 169.254.0.0/16 and 168.63.129.16 as IPv4-compatible, through NAT64 and through 6to4; BlockList unwraps IPv4-mapped. */
refused.addSubnet('::a9fe:0', 112, 'ipv6');
refused.addAddress('::a83f:8110', 'ipv6');
refused.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
refused.addAddress('64:ff9b::a83f:8110', 'ipv6');
refused.addSubnet('2002:a9fe::', 32, 'ipv6');
refused.addSubnet('2002:a83f:8110::', 48, 'ipv6');

/** Why nothing is sent to one of these addresses; null if it may be. What is no address is refused as well. */
export function refusalOf(addresses: readonly string[]): Error | null {
  for (const address of addresses) {
    const version = isIP(address);
    if (version === 0) return new Error(`${address} is no address`);
    if (refused.check(address, version === 6 ? 'ipv6' : 'ipv4')) {
      return new Error(`${address} is a link-local address or one of a cloud's platform`);
    }
  }
  return null;
}
