/*
 * Issues the mesh's certificates: a CA once, then one certificate for the coordinator and one for each node named.
 * What is there already stays, so that nodes can be added later. `npm run pki -- --help` tells the usage.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as x509 from "@peculiar/x509";

const usage = `Issues certificates for the connections between coordinator and agents.

Usage: npm run pki -- --dir FOLDER NODE [NODE ...]

  --dir FOLDER   where to; made if missing. Keep FOLDER/ca.key secret: who has it can join the mesh.
  NODE           the name of a node in its cluster, for example pve1

It writes FOLDER/coordinator/{ca.pem,coordinator.pem,coordinator.key} for the coordinator and
FOLDER/NODE/{ca.pem,agent.pem,agent.key} for each node. Copy each folder to /etc/qmesh/tls of its machine.
`;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const caYears = 10;
const leafYears = 2;
const nodeName = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { dir: { type: "string" }, help: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help === true) return void process.stdout.write(usage);
  if (values.dir === undefined) throw new Error(`--dir is missing\n\n${usage}`);
  const wrong = positionals.find((name) => !nodeName.test(name));
  if (wrong !== undefined) throw new Error(`"${wrong}" is not the name of a node: letters, digits and dashes`);
  await mkdir(values.dir, { recursive: true, mode: 0o700 });
  const authority = await findAuthority(values.dir);
  await issue(authority, values.dir, "coordinator", "coordinator", "coordinator.qmesh.internal");
  for (const node of positionals) await issue(authority, values.dir, node, "agent", `${node}.node.qmesh.internal`);
}

async function findAuthority(folder: string): Promise<Authority> {
  const certificatePath = join(folder, "ca.pem");
  const keyPath = join(folder, "ca.key");
  if (await exists(keyPath)) {
    const certificate = new x509.X509Certificate(await readFile(certificatePath, "utf8"));
    const [der] = x509.PemConverter.decode(await readFile(keyPath, "utf8"));
    if (!der) throw new Error(`${keyPath} holds no key`);
    const privateKey = await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
    const publicKey = await certificate.publicKey.export(algorithm, ["verify"]);
    return { certificate, keys: { privateKey, publicKey } };
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=qmesh CA",
    keys,
    signingAlgorithm: algorithm,
    ...validity(caYears),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeKey(keyPath, keys.privateKey);
  await writeFile(certificatePath, `${certificate.toString("pem")}\n`);
  return { certificate, keys };
}

/** Writes a certificate, its key and the CA's certificate into a folder of their own, unless they are there. */
async function issue(authority: Authority, root: string, name: string, file: string, dnsName: string): Promise<void> {
  const folder = join(root, name);
  if (await exists(join(folder, `${file}.pem`))) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=qmesh ${name}`,
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: algorithm,
    ...validity(leafYears),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: dnsName }]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  await writeKey(join(folder, `${file}.key`), keys.privateKey);
  await writeFile(join(folder, `${file}.pem`), `${certificate.toString("pem")}\n`);
  await writeFile(join(folder, "ca.pem"), `${authority.certificate.toString("pem")}\n`);
}

async function writeKey(path: string, key: webcrypto.CryptoKey): Promise<void> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  await writeFile(path, `${x509.PemConverter.encode(der, "PRIVATE KEY")}\n`, { mode: 0o600 });
}

function validity(years: number) {
  const notBefore = new Date(Date.now() - 3600_000); // clocks differ
  return { notBefore, notAfter: new Date(notBefore.getTime() + years * 365 * 86_400_000) };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

main().catch((error: unknown) => {
  process.stderr.write(`pki: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
