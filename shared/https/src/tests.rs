//! Hosts that close connections, announce false lengths and never end.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A listener, a count for its connections, and its address.
async fn listen() -> (TcpListener, Arc<AtomicUsize>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, Arc::default(), url)
}

/// Reads the head of the next request.
async fn head_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.unwrap());
    }
    seen
}

/// A host that closes each connection after so many requests; returns the count of its connections, and its address.
async fn host(requests: usize) -> (Arc<AtomicUsize>, String) {
    let (listener, count, url) = listen().await;
    let connections = count.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            for _ in 0..requests {
                let seen = String::from_utf8(head_of(&mut stream).await).unwrap().to_lowercase();
                assert!(seen.starts_with("post /path?q=1 http/1.1\r\n") && seen.contains("host: 127.0.0.1:"), "{seen}");
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        }
    });
    (count, url)
}

async fn ask(https: &Https, url: &str) -> Result<(), ConnectorError> {
    let request = Request::post(format!("{url}/path?q=1")).body(SdkBody::empty()).unwrap();
    let answer = https.call(HttpRequest::try_from(request).unwrap()).await?;
    assert_eq!((answer.status().as_u16(), answer.body().bytes()), (200, Some(&b"ok"[..])));
    Ok(())
}

fn https() -> Https {
    Https { connections: Arc::default(), patience: Duration::from_secs(5) }
}

#[tokio::test]
async fn a_connection_serves_the_next_call_and_one_more_those_beside_it() {
    let ((count, url), https) = (host(usize::MAX).await, https());
    for _ in 0..3 {
        ask(&https, &url).await.unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_its_host_closed_fails_no_call() {
    let ((count, url), https) = (host(2).await, https());
    for _ in 0..20 {
        ask(&https, &url).await.unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 10);
}

/// A host that answers every connection with this head, and then with this body again and again while the client reads.
async fn talker(head: &'static str, body: Vec<u8>) -> (Arc<AtomicUsize>, String) {
    let (listener, count, url) = listen().await;
    let connections = count.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            head_of(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            while !body.is_empty() && stream.write_all(&body).await.is_ok() {}
            // A host with nothing more to send stays open until the client hangs up.
            let _ = stream.read_u8().await;
        }
    });
    (count, url)
}

#[tokio::test]
async fn an_answer_of_more_than_16_mb_ends_the_call_and_is_not_asked_for_again() {
    let chunk = [format!("{:x}\r\n", 1 << 20).as_bytes(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    let hosts = [
        // The body never comes.
        talker("HTTP/1.1 200 OK\r\ncontent-length: 16777217\r\n\r\n", Vec::new()).await,
        talker("HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n", vec![b'x'; 1 << 20]).await,
        talker("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk).await,
        talker("HTTP/1.1 500 Internal Server Error\r\n\r\n", vec![b'x'; 1 << 20]).await,
    ];
    for (count, url) in hosts {
        let credentials = aws_credential_types::Credentials::new("a", "b", None, None, "test");
        let credentials = aws_credential_types::provider::SharedCredentialsProvider::new(credentials);
        let region = aws_types::region::Region::new("local");
        let sdk = user_app::start::sdk_config(client(), credentials, region, Some(url));
        let get = aws_sdk_dynamodb::Client::new(&sdk)
            .get_item()
            .table_name("t")
            .key("pk", aws_sdk_dynamodb::types::AttributeValue::S("x".into()));
        let error = get.send().await.unwrap_err();
        assert!(format!("{error:?}").contains("an answer has more than 16777216 bytes"), "{error:?}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn an_answer_of_16_mb_is_read() {
    let whole = vec![b'x'; ANSWER_BYTES];
    let (_, url) = talker("HTTP/1.1 200 OK\r\ncontent-length: 16777216\r\n\r\n", whole).await;
    let request = Request::post(url).body(SdkBody::empty()).unwrap();
    let answer = https().call(HttpRequest::try_from(request).unwrap()).await.unwrap();
    assert_eq!(answer.body().bytes().map(<[u8]>::len), Some(ANSWER_BYTES));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_a_fault_of_the_network() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(ask(&https(), &format!("http://{gone}")).await.unwrap_err().is_io());
}
