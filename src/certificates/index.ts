export {
  PARTS,
  createAuthority,
  issueCertificate,
  listCertificates,
  renewCertificate,
  type CertificateFacts,
  type CertificateRequest,
} from './authority';
