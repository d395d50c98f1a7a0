// A certified OpenID provider with the token endpoint where Entra has it. It prints where it listens, as JSON, and stays
// until its input closes. Clients: `app` with a secret in the header or the form, `fed` with a signed assertion.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { jwks, scope } = JSON.parse(process.argv[2]);
const server = createServer((req, res) => callback(req, res));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const grants = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope };
const provider = new Provider(issuer, {
  clients: [
    { client_id: 'app', client_secret: 'app secret/1', token_endpoint_auth_method: 'client_secret_basic', ...grants },
    { client_id: 'post', client_secret: 'post secret/1', token_endpoint_auth_method: 'client_secret_post', ...grants },
    { client_id: 'fed', token_endpoint_auth_method: 'private_key_jwt', jwks, ...grants },
  ],
  scopes: [scope],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    devInteractions: { enabled: false },
  },
  routes: { token: '/tenant-1/oauth2/v2.0/token' },
  ttl: { ClientCredentials: 3600 },
});
const callback = provider.callback();
console.log(JSON.stringify({ issuer }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
