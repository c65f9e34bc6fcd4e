//! What others say: Google's description of the API, and Google's own client.

