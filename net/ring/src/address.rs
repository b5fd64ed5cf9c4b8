//! Socket addresses in the kernel's form, and sockets that are not connected yet.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// An IPv4 or IPv6 address as `sockaddr`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) union RawAddress {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl std::fmt::Debug for RawAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawAddress({:?})", self.to_std())
    }
}

impl RawAddress {
    /// Room for the kernel to write an address to.
    pub(crate) fn empty() -> RawAddress {
        // SAFETY: all-zero is a valid value of both plain C structs.
        unsafe { std::mem::zeroed() }
    }

    /// Bytes of room.
    pub(crate) const ROOM: libc::socklen_t = size_of::<RawAddress>() as libc::socklen_t;

    pub(crate) fn from_std(address: SocketAddr) -> RawAddress {
        let mut raw = RawAddress::empty();
        match address {
            SocketAddr::V4(a) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: a.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(a.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
            }
            SocketAddr::V6(a) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: a.port().to_be(),
                    sin6_flowinfo: a.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: a.ip().octets(),
                    },
                    sin6_scope_id: a.scope_id(),
                };
            }
        }
        raw
    }

    /// The address, or `None` for another family.
    pub(crate) fn to_std(self) -> Option<SocketAddr> {
        // SAFETY: both members begin with the family, and every bit pattern is valid for both.
        unsafe {
            match i32::from(self.v4.sin_family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes());
                    Some(SocketAddr::new(
                        IpAddr::V4(ip),
                        u16::from_be(self.v4.sin_port),
                    ))
                }
                libc::AF_INET6 => Some(SocketAddr::V6(SocketAddrV6::new(
                    Ipv6Addr::from(self.v6.sin6_addr.s6_addr),
                    u16::from_be(self.v6.sin6_port),
                    self.v6.sin6_flowinfo,
                    self.v6.sin6_scope_id,
                ))),
                _ => None,
            }
        }
    }

    pub(crate) fn as_ptr(&self) -> *const libc::sockaddr {
        std::ptr::from_ref(self).cast()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        std::ptr::from_mut(self).cast()
    }

    /// Bytes the kernel reads.
    pub(crate) fn length(&self) -> libc::socklen_t {
        // SAFETY: both members begin with the family.
        let family = unsafe { i32::from(self.v4.sin_family) };
        let bytes = if family == libc::AF_INET6 {
            size_of::<libc::sockaddr_in6>()
        } else {
            size_of::<libc::sockaddr_in>()
        };
        bytes as libc::socklen_t
    }
}

/// Makes a blocking TCP socket for a client, with TCP_NODELAY, bound to `local` when given. A port of 0
/// is chosen only by `connect`, per destination, so that more than 64,000 connections can share an address.
pub(crate) fn client_socket(local: Option<SocketAddr>, remote: SocketAddr) -> io::Result<OwnedFd> {
    let family = if remote.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    // SAFETY: no pointers.
    let raw = unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `raw` was just opened and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(raw) };
    set_option(&socket, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
    if let Some(local) = local {
        set_option(&socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT)?;
        let address = RawAddress::from_std(local);
        // SAFETY: the address lives across the call and `length` is its size.
        if unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr(), address.length()) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(socket)
}

/// Switches an option of a socket on.
pub(crate) fn set_option(socket: &impl AsRawFd, level: i32, name: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: `on` lives across the call and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernels_form() {
        for text in [
            "127.0.0.1:1883",
            "10.1.2.3:65535",
            "[::1]:1883",
            "[fe80::1%3]:9",
        ] {
            let address: SocketAddr = text.parse().unwrap();
            let raw = RawAddress::from_std(address);
            assert_eq!(raw.to_std(), Some(address));
            assert!(raw.length() <= RawAddress::ROOM);
        }
        assert_eq!(RawAddress::empty().to_std(), None);
    }

    #[test]
    fn a_client_socket_is_bound_where_asked() {
        let remote: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let socket = client_socket(Some("127.0.0.2:0".parse().unwrap()), remote).unwrap();
        let bound = std::net::TcpStream::from(socket).local_addr().unwrap();
        assert_eq!(bound.ip(), "127.0.0.2".parse::<IpAddr>().unwrap());
    }
}
