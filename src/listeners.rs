//! The ports the gateway listens on, and the files it needs for its connections.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use log::warn;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Settings;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;
/// Files besides connections: listeners, logs.
const OTHER_FILES: usize = 256;

/// Sees to it that the connections we promise can be opened at all: many systems start programs with
/// 1,024 files.
///
/// Gives for how many connections that speak HTTP there are files besides so many sessions, at most
/// `requests`: accepting must not fail for all because some hold too many.
pub fn raise_open_files(sessions: usize, requests: usize) -> usize {
    let others = sessions + OTHER_FILES;
    let limit = match rlimit::increase_nofile_limit((others + requests) as u64) {
        Ok(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        Err(error) => {
            warn!("cannot raise the limit of open files: {error}");
            others + requests
        }
    };
    // Where there are too few for all, a third is for requests: sessions begin with one.
    let left = limit.saturating_sub(others).max(limit / 3);
    if limit < others + left {
        warn!("open files are limited to {limit}, too few for MAX_CONNECTIONS and their requests");
    }
    left.min(requests)
}

/// Binds every port on every address that the host name means. A name with several addresses, like
/// `localhost`, gets the same port on each.
///
/// # Errors
/// The first address of a port cannot be bound, or there is none.
pub fn bind(settings: &Settings) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for port in settings.ports() {
        let mut port = port;
        let addresses = addresses(&settings.host, port).map_err(|error| about(settings, port, &error))?;
        let first = listeners.len();
        for address in addresses {
            match listen(SocketAddr::new(address.ip(), port)) {
                Ok(listener) => {
                    port = listener.local_addr()?.port();
                    listeners.push(listener);
                }
                // A machine without IPv6 still serves `localhost`.
                Err(error) if listeners.len() > first => warn!("cannot listen on {address}: {error}"),
                Err(error) => return Err(about(settings, port, &error)),
            }
        }
    }
    Ok(listeners)
}

/// The addresses that a host name means. `localhost` is both loopbacks (RFC 6761, 6.3): browsers take it
/// so, also where the system's own table names but one.
fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    Ok((host, port).to_socket_addrs()?.collect())
}

fn about(settings: &Settings, port: u16, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on HOST {} PORT {port}: {error}", settings.host))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_both_loopbacks_on_one_port() {
        let settings = Settings::from_map(&[("HOST", "localhost"), ("PORT", "0")]).unwrap();
        let bound: Vec<_> = bind(&settings).unwrap().iter().map(|own| own.local_addr().unwrap()).collect();
        let port = bound[0].port();
        let mut expected = addresses("LOCALHOST", port).unwrap();
        assert_eq!(expected.iter().map(|own| own.ip().to_string()).collect::<Vec<_>>(), ["127.0.0.1", "::1"]);
        // A machine without IPv6 serves the one there is.
        expected.retain(|address| address.is_ipv4() || TcpListener::bind("[::1]:0").is_ok());
        assert_eq!(bound, expected);
    }
}
